"""What reads rows that somebody else wrote: doctor, publishing, verification, fresh seeds."""

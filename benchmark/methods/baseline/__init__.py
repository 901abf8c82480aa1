"""Methods to compare with: plain training in several forms."""

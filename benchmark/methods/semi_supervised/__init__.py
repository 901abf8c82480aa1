"""Methods that treat suspicious labels as missing ones."""

"""Methods that train on the labels that look right and leave the others out."""

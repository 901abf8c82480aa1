"""From files to a task: verified sources, own files, images, tokens, columns, problems (a batch to units and back), splits."""

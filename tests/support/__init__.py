"""What several tests are made with: tiny data, files in the layouts of public sets, rows of a board, whole commands."""

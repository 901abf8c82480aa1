"""From rows to a board: tables, comparisons, pictures, the page, papers' tables, exports."""

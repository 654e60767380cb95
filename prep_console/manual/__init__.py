"""The night shift's manual: a page for each situation, inside the program, with no net needed."""

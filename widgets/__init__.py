"""Pure views: given a frozen snapshot, they draw. They know no probe, no file, no clock."""

if __name__ != "prep_console.widgets":
    raise ImportError("import these as prep_console.widgets (the folder is linked there)")

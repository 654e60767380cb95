"""``python -m prep_console``."""

from prep_console.cli import main

if __name__ == "__main__":
    main()

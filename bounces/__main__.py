"""python -m bounces: the same as the command `bounces`."""

from bounces.cli import main

if __name__ == "__main__":
    main()

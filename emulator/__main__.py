"""Owns `python -m emulator`, which is `cloud-emu`."""

from emulator.cli import main

if __name__ == "__main__":
    main()

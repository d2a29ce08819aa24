"""Cloud Emu: the local emulator suite for Cloud Development."""

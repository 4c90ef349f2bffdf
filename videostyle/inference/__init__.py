"""The device program and the machine it runs on."""

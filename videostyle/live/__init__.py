"""Painting as it happens: newest frame first, statistics that follow the light, outputs that wait for nobody."""

"""Writers: where painted frames go."""

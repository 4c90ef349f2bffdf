"""What all answers of the studio's server share: who may ask, how requests are read, how errors are reported."""

"""Programs that measure speed and memory; each prints what it saw and judges nothing."""

"""Audio effects for rendering and augmentation: filters, rooms, dynamics, saturation and noise, codecs."""

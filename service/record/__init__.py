"""From the bytes of an EHR to one value per patient (pure): elements, read, group."""

"""Speed, memory and requests, measured in one run (`make bench`)."""

"""Ways to deliver: what an item looks like in the EHR."""

"""What a run is, what it is made of, and every decision about it. Pure: values in, values out."""

"""Collections of one-shot samples: added singly, from beatmaps and from folders; counted and exported."""

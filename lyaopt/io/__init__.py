"""Files and text: strict JSON, typed fields, atomic writes, folder locks, figures."""

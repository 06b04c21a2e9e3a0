"""evaluation.html: what evaluation.json holds, drawn for a person."""

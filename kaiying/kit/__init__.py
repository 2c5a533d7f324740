"""Small pure building blocks: no Django, no nouns of ours."""

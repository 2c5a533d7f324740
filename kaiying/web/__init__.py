"""Base templates, components, styles and scripts that every room builds its pages on."""

"""What a brief may begin with: the templates we bring, and a space's own."""

"""What the stores say of this home, read together; nothing is worked out, and nothing written."""

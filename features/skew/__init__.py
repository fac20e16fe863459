"""Whether what was answered online is what the offline world says, value by value."""

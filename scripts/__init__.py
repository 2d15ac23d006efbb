"""Scripts that make what lies in the repository: data, pictures, recorded runs."""

"""Multiple imputation: estimates that use incomplete answers too, with what that adds to doubt."""

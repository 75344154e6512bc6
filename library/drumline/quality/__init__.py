"""Gates on datasets and on what systems say of them: tables and files in, verdicts out; never a model."""

"""The sub-commands of `drumline`, by what they are about."""

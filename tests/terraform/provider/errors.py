"""What goes wrong in a provider, for Terraform to tell."""


class ProviderError(Exception):
    """What a diagnostic says."""


class CreatedBrokenError(ProviderError):
    """It is there, and does not work: an error that comes with a state."""

    def __init__(self, message, state):
        super().__init__(message)
        self.state = state

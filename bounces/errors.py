"""What a user can put right: the exceptions that leave the library."""


class BouncesError(Exception):
    """Something the user can fix; the message says what, where, and what to do."""


class SourceError(BouncesError):
    """A source of mail that isn't there, can't be read, or holds no mail."""


class RuleError(BouncesError):
    """Rule files that aren't valid; a line for each problem names file, line and rule."""


class PolicyError(BouncesError):
    """A policy that isn't known or isn't valid; names file and reason."""


class SettingsError(BouncesError):
    """A template of a return path, or the name of a header field, that isn't one."""


class OutputError(BouncesError):
    """An output file that can't be written, or a file type nobody knows."""


class ClusterError(BouncesError):
    """A cluster that isn't there, lacks workers or something on them, or goes away."""


class WorkerError(BouncesError):
    """Processes that read mail and can't be started."""

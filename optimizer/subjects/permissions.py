"""placeholder; being written"""


class Permissions:
    pass

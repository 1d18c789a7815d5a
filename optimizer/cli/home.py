"""tmp"""


def command() -> int:
    print("home")
    return 0

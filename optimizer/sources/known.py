def known_subjects(path: str): raise NotImplementedError

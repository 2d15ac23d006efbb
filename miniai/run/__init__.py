"""What a run is on disk and on its control socket: facts, requests, journal, directory. No torch in here."""

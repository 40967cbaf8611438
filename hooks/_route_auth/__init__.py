"""The route-auth checker: an abstract interpreter for FastAPI programs, standard library only."""

"""The route-auth checker: a small abstract interpreter for FastAPI programs, standard library only."""

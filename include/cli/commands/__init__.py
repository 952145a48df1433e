"""The commands, each a thin one over a module of the same subject: those load what they need only when they are asked for."""

"""The jobs of the licence vault, one verb and noun each. Transactions open here and nowhere else."""

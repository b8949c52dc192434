"""What each service of AWS does and moto does not, one file a service."""

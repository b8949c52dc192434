"""moto's own strictness, switched on; imported before anything of moto is."""

import os
import warnings

STRICT = {
    "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
    "MOTO_ENABLE_AMI_VALIDATION": "true",
    "MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION": "true",
    "MOTO_ENABLE_KEYPAIR_VALIDATION": "true",
    # Browsers are no clients of ours, and the header costs time on every answer.
    "MOTO_DISABLE_GLOBAL_CORS": "true",
}

for name, value in STRICT.items():
    os.environ.setdefault(name, value)

# A profile or an account of the user's own must not leak into the sandbox.
for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "MOTO_ACCOUNT_ID"):
    os.environ.pop(name, None)

# Error codes that AWS answers and its models do not list are what this package is about.
warnings.filterwarnings("ignore", message=r"Exception\(.*does not match an error shape")

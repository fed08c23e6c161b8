"""Entry point of the `lyaopt` script and of `python -m lyaopt_cli`."""

import sys


def main() -> None:
    """Run the command; an interrupt while its modules are imported exits with 130 too."""
    try:
        from lyaopt_cli.main import main as run_command

        run_command()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()

"""`python -m udas_mmseg TOOL ...`: the command `udas`, as torchrun can start it."""
from udas_command import main

if __name__ == '__main__':
    main()

# nestor: build, check, install. `make help` lists what there is to make.

package juju

import (
	_ "github.com/anishathalye/porcupine"
	_ "github.com/rogpeppe/go-internal/testscript"
	_ "github.com/juju/names/v6"

	_ "github.com/juju/juju/api/client/action"
	_ "github.com/juju/juju/api/client/application"
	_ "github.com/juju/juju/api/client/charms"
	_ "github.com/juju/juju/api/client/client"
	_ "github.com/juju/juju/api/client/cloud"
	_ "github.com/juju/juju/api/client/modelmanager"
	_ "github.com/juju/juju/api/connector"
	_ "github.com/juju/juju/domain/deployment/charm"
)

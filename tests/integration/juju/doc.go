package juju

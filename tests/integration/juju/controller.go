package juju

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/juju/juju/api"
	"github.com/juju/juju/api/client/cloud"
	"github.com/juju/juju/api/client/modelmanager"
	"github.com/juju/juju/api/connector"
	"github.com/juju/juju/api/jujuclient"
	jujucloud "github.com/juju/juju/cloud"
	"github.com/juju/juju/rpc/params"
	"github.com/juju/names/v6"
)

// ErrNoController says that there is no controller to talk to.
var ErrNoController = errors.New("no Juju controller")

// Controller is a connection to a Juju controller.
type Controller struct {
	name  string
	store jujuclient.ClientStore
	conn  api.Connection

	mu     sync.Mutex
	models map[string]*made // those made here and not gone yet, by name
	ending bool             // no more models are made
}

// made is a model that was made here.
type made struct {
	tag        names.ModelTag
	destroying bool // Juju has been asked to destroy it
	before     []func(context.Context) error
}

// Open connects to the controller that the juju command line would use. The
// error is ErrNoController if there is none.
func Open(ctx context.Context) (*Controller, error) {
	store := jujuclient.NewFileClientStore()
	name, err := currentController(store)
	if err != nil {
		return nil, err
	}
	c := &Controller{name: name, store: store, models: map[string]*made{}}
	if c.conn, err = c.connect(ctx, ""); err != nil {
		return nil, err
	}
	return c, nil
}

// Close ends the connection.
func (c *Controller) Close() error { return c.conn.Close() }

// String returns the controller's name and version.
func (c *Controller) String() string {
	if version, ok := c.conn.ServerVersion(); ok {
		return fmt.Sprintf("controller %s, Juju %v", c.name, version)
	}
	return "controller " + c.name
}

// currentController returns the name of the controller that the juju command
// line would use.
func currentController(store jujuclient.ClientStore) (string, error) {
	name, _, ok := strings.Cut(os.Getenv("JUJU_MODEL"), ":")
	if !ok {
		name = os.Getenv("JUJU_CONTROLLER")
	}
	if name == "" {
		var err error
		if name, err = store.CurrentController(); err != nil {
			return "", fmt.Errorf("%w: %v", ErrNoController, err)
		}
	}
	if _, err := store.ControllerByName(name); err != nil {
		return "", fmt.Errorf("%w: %v", ErrNoController, err)
	}
	return name, nil
}

// dialTimeout is how long a controller may take to answer. By itself Juju's
// client would try for ten minutes.
const dialTimeout = 30 * time.Second

// connect opens a connection to a model, or to the controller itself.
func (c *Controller) connect(ctx context.Context, modelUUID string) (api.Connection, error) {
	dial := api.DefaultDialOpts()
	dial.Timeout = dialTimeout
	cn, err := connector.NewClientStore(connector.ClientStoreConfig{
		ControllerName: c.name,
		ModelUUID:      modelUUID,
		ClientStore:    c.store,
	}, api.WithDialOpts(dial))
	if err != nil {
		return nil, fmt.Errorf("cannot connect to controller %s: %w", c.name, err)
	}
	conn, err := cn.Connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot connect to controller %s: %w", c.name, err)
	}
	return conn, nil
}

// addModel makes a model, in the cloud and with the credential that juju
// add-model would use, and enters it in the client store, so that juju knows it.
func (c *Controller) addModel(ctx context.Context, name string, config map[string]any) (names.ModelTag, error) {
	cannot := func(err error) (names.ModelTag, error) {
		return names.ModelTag{}, fmt.Errorf("cannot add model %s: %w", name, err)
	}
	account, err := c.store.AccountDetails(c.name)
	if err != nil {
		return cannot(err)
	}
	user := names.NewUserTag(account.User)
	cloudTag, credential, err := c.cloudAndCredential(ctx, user)
	if err != nil {
		return cannot(err)
	}
	var region string
	if details, err := c.store.ControllerByName(c.name); err == nil && details.Cloud == cloudTag.Id() {
		region = details.CloudRegion
	}
	c.mu.Lock() // or DestroyAll would miss the one that is being made
	defer c.mu.Unlock()
	if c.ending {
		return cannot(errors.New("the test is being ended"))
	}
	info, err := modelmanager.NewClient(c.conn).CreateModel(ctx, name, user, cloudTag.Id(), region, credential, config)
	if err != nil {
		return cannot(err)
	}
	tag := names.NewModelTag(info.UUID)
	c.models[name] = &made{tag: tag}
	// The model works without the entry, it is there for whoever looks on.
	_ = c.store.UpdateModel(c.name, name, jujuclient.ModelDetails{ModelUUID: info.UUID, ModelType: info.Type})
	return tag, nil
}

// cloudAndCredential returns the controller's cloud, the one it runs in if it
// has several, and the user's credential for it.
func (c *Controller) cloudAndCredential(ctx context.Context, user names.UserTag) (names.CloudTag, names.CloudCredentialTag, error) {
	var tag names.CloudTag
	client := cloud.NewClient(c.conn)
	clouds, err := client.Clouds(ctx)
	if err != nil {
		return tag, names.CloudCredentialTag{}, err
	}
	details, err := c.store.ControllerByName(c.name)
	if err != nil {
		return tag, names.CloudCredentialTag{}, err
	}
	for tag = range clouds {
		if tag.Id() == details.Cloud {
			break
		}
	}
	credentials, err := client.UserCredentials(ctx, user, tag)
	if err != nil {
		return tag, names.CloudCredentialTag{}, err
	}
	if len(credentials) > 0 {
		return tag, credentials[0], nil
	}
	if slices.Contains(clouds[tag].AuthTypes, jujucloud.EmptyAuthType) {
		return tag, names.CloudCredentialTag{}, nil
	}
	return tag, names.CloudCredentialTag{}, fmt.Errorf("user %s has no credential for cloud %q on this controller", user.Id(), tag.Id())
}

// beforeDestroy has something done before the model is destroyed, also when the
// test is interrupted.
func (c *Controller) beforeDestroy(name string, do func(context.Context) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if model, ok := c.models[name]; ok {
		model.before = append(model.before, do)
	}
}

// beginDestroy asks Juju to destroy a model, without waiting for its units'
// hooks.
func (c *Controller) beginDestroy(ctx context.Context, name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	model, ok := c.models[name]
	if !ok || model.destroying {
		return nil
	}
	var errs []error
	for _, do := range model.before {
		errs = append(errs, do(ctx))
	}
	errs = append(errs, modelmanager.NewClient(c.conn).DestroyModel(ctx, model.tag, ptr(true), ptr(true), ptr(forceAfter), nil))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("cannot destroy model %s: %w", name, err)
	}
	model.destroying = true
	_ = c.store.RemoveModel(c.name, name) // it need not be there
	return nil
}

// awaitDestroyed waits until a model is gone.
func (c *Controller) awaitDestroyed(ctx context.Context, name string) error {
	c.mu.Lock()
	model := c.models[name]
	c.mu.Unlock()
	if model == nil {
		return nil // somebody else has seen it go
	}
	client := modelmanager.NewClient(c.conn)
	for pause := range backoff(ctx, maxPause) {
		info, err := client.ModelInfo(ctx, []names.ModelTag{model.tag})
		if err == nil && info[0].Error != nil && !params.IsCodeNotFound(info[0].Error) {
			err = info[0].Error
		}
		if err != nil {
			return fmt.Errorf("cannot see whether model %s is destroyed: %w", name, err)
		}
		if info[0].Error != nil {
			c.mu.Lock()
			defer c.mu.Unlock()
			delete(c.models, name)
			return nil
		}
		pause()
	}
	return fmt.Errorf("cannot destroy model %s: %w", name, context.Cause(ctx))
}

// Models returns the names of the models that were made and are not gone yet.
func (c *Controller) Models() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.models))
}

// DestroyAll destroys all models that were made, and waits until they are gone.
// No others can be made afterwards.
func (c *Controller) DestroyAll(ctx context.Context) error {
	c.mu.Lock()
	c.ending = true
	c.mu.Unlock()
	var errs []error
	for _, name := range c.Models() {
		errs = append(errs, c.beginDestroy(ctx, name))
	}
	for _, name := range c.Models() {
		errs = append(errs, c.awaitDestroyed(ctx, name))
	}
	return errors.Join(errs...)
}

func ptr[T any](v T) *T { return &v }

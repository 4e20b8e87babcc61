package backend

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	userv1 "facet/api/user/v1"
)

type userService struct {
	userv1.UnimplementedUserServiceServer
	store *store
}

// readOnly are the fields of a user that only the service sets.
var readOnly = []protoreflect.Name{"id", "level", "followers", "points", "badges", "create_time", "update_time"}

func (s *userService) GetUser(_ context.Context, request *userv1.GetUserRequest) (*userv1.User, error) {
	if err := required("id", request.Id); err != nil {
		return nil, err
	}
	return s.store.user(request.Id)
}

func (s *userService) BatchGetUsers(_ context.Context, request *userv1.BatchGetUsersRequest) (*userv1.BatchGetUsersResponse, error) {
	if err := atMost("ids", request.Ids, 100); err != nil {
		return nil, err
	}
	s.store.mu.RLock()
	defer s.store.mu.RUnlock()
	return &userv1.BatchGetUsersResponse{Users: found(s.store.users, request.Ids)}, nil
}

func (s *userService) UpdateUser(_ context.Context, request *userv1.UpdateUserRequest) (*userv1.User, error) {
	if err := required("user.id", request.User.GetId()); err != nil {
		return nil, err
	}
	changes, err := changedFields(request)
	if err != nil {
		return nil, err
	}
	if len([]rune(request.User.Bio)) > 200 {
		return nil, invalid("user.bio", "is longer than 200 characters")
	}
	return s.store.editUser(request.User.Id, func(user *userv1.User) {
		changes.update(user.ProtoReflect(), proto.CloneOf(request.User).ProtoReflect())
		user.UpdateTime = timestamppb.New(time.Now())
	})
}

// changedFields returns what a request sets: what its mask names, everything that may be set if that is `*`, and what
// is not empty if there is no mask.
func changedFields(request *userv1.UpdateUserRequest) (fields, error) {
	user := request.User.ProtoReflect()
	mask := request.UpdateMask.GetPaths()
	if len(mask) > 0 && !everything(request.UpdateMask) {
		changes, err := parseMask("update_mask", user.Descriptor(), request.UpdateMask)
		if err != nil {
			return nil, err
		}
		for _, name := range readOnly {
			if _, named := changes[name]; named {
				return nil, invalid("update_mask", "%q cannot be set", name)
			}
		}
		return changes, nil
	}
	changes := fields{}
	all := user.Descriptor().Fields()
	for i := range all.Len() {
		if field := all.Get(i); len(mask) > 0 || user.Has(field) {
			changes[field.Name()] = nil
		}
	}
	for _, name := range readOnly {
		delete(changes, name)
	}
	return changes, nil
}

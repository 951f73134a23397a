import { parseUsers } from '../../src/server/users.ts';
import { mutateText } from '../mutate.ts';
import { asText, refusable, type Target } from '../target.ts';

const USERS = JSON.stringify({
  users: [
    { name: 'alice', ntHash: 'a4f49c406510bdcab6824ee7c30fd852', grants: [{ channels: 'App*', rights: ['read'] }] },
    {
      name: 'carol',
      ntHash: '0'.repeat(32),
      administrator: true,
      grants: [{ channels: '*-*/*', rights: ['read', 'clear'] }],
    },
  ],
});

/** The file of users. */
export const USER_TARGETS: readonly Target[] = [
  {
    name: 'users',
    make: (random) => mutateText(USERS, random),
    take: (input) =>
      refusable(() => {
        const users = parseUsers(asText(input), 'users.json');
        const again = parseUsers(JSON.stringify({ users }), 'users.json');
        if (JSON.stringify(again) !== JSON.stringify(users)) throw new Error('users are not written as they were read');
      }),
  },
];
